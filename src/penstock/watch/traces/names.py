"""The names of what stands in a trace: OpenTelemetry's, and Penstock's own where it has none.

The GenAI conventions are in development and change their names; this is the one place that knows them.
"""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
STREAM = "gen_ai.request.stream"
REQUEST_MODEL = "gen_ai.request.model"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"

ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
HTTP_STATUS = "http.response.status_code"
SERVICE_NAME = "service.name"
SERVICE_VERSION = "service.version"

OWN = "penstock."
"""Before a field of a record or a fact."""

OTHER = "_OTHER"
"""In place of a value that is not sent, as OpenTelemetry has it."""

VENDORS = {
    "anthropic": "anthropic",
    "azure": "azure.ai.openai",
    "azure-responses": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gemini": "gcp.gemini",
    "gemini-openai": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "openai": "openai",
    "openai-responses": "openai",
    "perplexity": "perplexity",
    "xai": "x_ai",
}
"""`gen_ai.provider.name` of the vendors for which the conventions have a word; another goes by its own name."""
