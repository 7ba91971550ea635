"""Reports as pages: data in, one self-contained HTML text out, which asks the network for nothing.

Each page is whole without its script: the script draws, filters and sorts what stands in it.
"""

from cortex_cli.pages.batch import batch_page
from cortex_cli.pages.compaction import compaction_page
from cortex_cli.pages.replay import replay_page

__all__ = ["batch_page", "compaction_page", "replay_page"]
