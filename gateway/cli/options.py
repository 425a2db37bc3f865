"""Options that several commands share."""

import typer

ConfigFile = typer.Option(..., "-c", "--config", help="The station's configuration (TOML).")
