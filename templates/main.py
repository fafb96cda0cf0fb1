"""What the templates' image runs, in the launcher: the pipeline that the parameter `pipeline` names."""  # noqa: INP001 - a script

import sys

from pipelines.flex_launch_entry import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
