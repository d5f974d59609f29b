"""Who works through a run: this process alone, or workers, for which alone Dask is imported."""

from bulkmail.app.sweeping import Work, alone
from bulkmail.errors import ConfigError


async def sweeping(work: Work) -> None:
    """Raises ConfigError where workers are asked for and Dask is not installed."""
    if not work.prepared.job.cluster.wanted:
        await alone(work)
        return
    try:
        from bulkmail.cluster.sweeping import cluster  # noqa: PLC0415 - Dask, which nothing else needs
    except ImportError as error:
        raise ConfigError(
            f"workers need Dask, and it is not installed: {error}", hint="Run: pip install 'bulkmail[cluster]'"
        ) from None
    await cluster(work)
