"""AWS Bedrock's Converse and ConverseStream as a provider: `BedrockUpstream` is their `UpstreamDialect`."""

from penstock.providers.bedrock.upstream import BedrockUpstream

__all__ = ["BedrockUpstream"]
