"""python -m golive.cli"""

from golive.cli import main

main()
