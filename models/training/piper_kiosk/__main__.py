"""Command line: `python -m piper_kiosk STEP`, see `--help`."""

from piper_kiosk.options import STEPS, Options, parser


def run(step: str, options: Options) -> None:
    """Run one step; torch and the speech libraries are loaded by the step that needs them."""
    if step == "text":
        from piper_kiosk.sentences import write_text

        write_text(options)
    elif step == "teach":
        from piper_kiosk.teacher import teach

        teach(options)
    elif step == "features":
        from piper_kiosk.features import make_features

        make_features(options)
    elif step == "train":
        from piper_kiosk.training import train

        train(options)
    elif step == "export":
        from piper_kiosk.export import export

        export(options)
    else:
        from piper_kiosk.samples import say

        say(options)


def main() -> None:
    """Run the steps the command line asks for."""
    options = parser().parse_args(namespace=Options())
    options.work.mkdir(parents=True, exist_ok=True)
    for step in STEPS if options.step == "all" else [options.step]:
        run(step, options)


if __name__ == "__main__":
    main()
