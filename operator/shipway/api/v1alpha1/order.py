"""Who is released before whom."""

from shipway.api.schema import ApiModel, DnsLabel


class Predecessor(ApiModel):
    """Another ServingDeployment of the namespace whose release comes first."""

    name: DnsLabel
    """Its name."""
