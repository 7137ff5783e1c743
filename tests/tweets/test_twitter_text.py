import subprocess
import sys


def test_loads_without_pkg_resources_and_without_a_warning() -> None:
    """As on Python 3.12 and later, where a new environment has no such module."""
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'pkg_resources':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from gpt2bot.tweets.length import twitter_text\n"
        "print(twitter_text().parse_tweet('\\U0001F431 example.com').weightedLength)\n"
        "print('pkg_resources' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (run.stdout.split(), run.stderr) == (["26", "False"], "")
