"""Meta's Cloud API in plain values. Imports neither Odoo nor our policy."""

from .addresses import AddressRefused, check_resolved, is_local, parse_allowed
from .client import CloudApiClient
from .components import (
    TemplateVariable,
    signature,
    template_button,
    template_variables,
    unsupported_parts,
)
from .conversions import conversion_event
from .errors import (
    CODES,
    AccountError,
    CloudApiError,
    NotSent,
    RecipientError,
    RequestRefused,
    RetryLater,
    SenderError,
    TemplateError,
    UnknownOutcome,
    classify,
)
from .events import (
    AccountAlert,
    AccountReview,
    AccountUpdate,
    AppContact,
    CapabilityChange,
    EchoMessage,
    Event,
    Handover,
    HistoryChunk,
    InboundMessage,
    Media,
    MessageStatus,
    NumberName,
    NumberUpdate,
    PastMessage,
    PlatformError,
    PreferenceChange,
    Restriction,
    SecurityEvent,
    TemplateCategory,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
    UnknownEvent,
)
from .health import Health
from .marketing import (
    BID_DELIVERIES,
    CREATIVE_FEATURES,
    MAX_BID,
    MAX_TTL_SECONDS,
    MIN_TTL_SECONDS,
    delivery_changes,
    with_marketing_options,
)
from .nodes import (
    MediaInfo,
    PhoneNumber,
    SendReply,
    Template,
    TemplateComparison,
)
from .outgoing import Delivery, check_receiver, deliver, sign
from .pacer import Pacer
from .parameter_check import ParameterCheck, ParameterProblem, clean_parameter
from .parameters import (
    GIVEN,
    file_ids,
    is_optional,
    parse_flow_data,
    parse_sections,
    ready_parameters,
)
from .payloads import media_message, template_message, text_message
from .pool import SendPool
from .preview import render_preview
from .referral import Referral, fetch_picture
from .template_content import (
    build_components,
    is_content,
    read_components,
    same_texts,
    variable_names,
)
from .template_content import texts_of as template_texts
from .template_nodes import ArchiveReply, LibraryTemplate, TemplateDay
from .template_versions import content_key, content_places, is_code_template
from .values import normalise_limit, storable
from .webhook_verification import answer_challenge, verify_signature
from .webhooks import parse_events
