"""`python -m bulkmail.docs` writes the generated parts of the documentation anew."""

import sys

from bulkmail.docs.reference import write

for path in write():
    sys.stdout.write(f"{path}\n")
