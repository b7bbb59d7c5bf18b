"""The routes of the Open Inference Protocol (V2)."""

from flask import Blueprint, Response, g

from ml_server import errors, web
from ml_server.oip import inferring
from ml_server.oip.address import Target
from ml_server.oip.messages import EXTENSIONS, ModelReady, ServerMetadata
from ml_server.version import version

oip = Blueprint("oip", __name__, url_prefix="/v2")


@oip.get("")
def server_metadata() -> Response:
    """Return what this server is, as the Open Inference Protocol has it (as all of this blueprint)."""
    web.endpoint().check_key(web.field("x-api-key"))
    return web.encoded(ServerMetadata(name="neuronova", version=version(), extensions=EXTENSIONS))


@oip.get("/health/live")
def live() -> Response:
    """Tell that the server answers."""
    return web.response(web.endpoint().live(g.request_id))


@oip.get("/health/ready")
def ready() -> Response:
    """Tell whether the default model is served."""
    return web.response(web.endpoint().ready(g.request_id))


@oip.get("/models/<name>")
@oip.get("/models/<name>/versions/<wanted>")
def model_metadata(name: str, wanted: str | None = None) -> Response:
    """Return what a model reads and answers."""
    web.endpoint().check_key(web.field("x-api-key"))
    return web.encoded(inferring.describe(web.service().model(name, wanted), web.service()))


@oip.get("/models/<name>/ready")
@oip.get("/models/<name>/versions/<wanted>/ready")
def model_ready(name: str, wanted: str | None = None) -> Response:
    """Tell whether a model is served, and why not."""
    web.endpoint().check_key(web.field("x-api-key"))
    try:
        web.service().model(name, wanted)
    except errors.ModelUnavailableError as error:
        return web.encoded(ModelReady(name, ready=False, error=error.message), 503)
    return web.encoded(ModelReady(name, ready=True))


@oip.post("/models/<name>/infer")
@oip.post("/models/<name>/versions/<wanted>/infer")
def infer(name: str, wanted: str | None = None) -> Response:
    """Return the answers to rows of tensors."""
    return web.predicted(Target(name, wanted))
