"""Command line: `python -m whisper_kiosk COMMAND`, see `--help`."""

from whisper_kiosk.options import Options, parser


def run(command: str, options: Options) -> None:
    """Run one step; torch and the speech libraries are loaded by the step that needs them."""
    if command == "data":
        from whisper_kiosk.corpus import make_data

        make_data(options)
    elif command == "voices":
        from whisper_kiosk.corpus import make_more_data

        make_more_data(options)
    elif command == "train":
        from whisper_kiosk.training import train

        train(options)
    elif command == "convert":
        from whisper_kiosk.conversion import convert

        convert(options)
    else:
        from whisper_kiosk.evaluation import evaluate

        evaluate(options)


def main() -> None:
    """Run the steps the command line asks for."""
    options = parser().parse_args(namespace=Options())
    steps = ["data", "train", "convert", "evaluate"] if options.command == "all" else [options.command]
    for step in steps:
        run(step, options)


if __name__ == "__main__":
    main()
