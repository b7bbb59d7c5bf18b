import hashlib
import json
import shutil
import urllib.error
import urllib.request

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST


@require_GET
def home(_request):
    return HttpResponse("<h1>NeuroNova</h1>")


@require_GET
def health(_request):
    get_user_model().objects.count()
    status, _body = ask("/health")
    disk = shutil.disk_usage(settings.BASE_DIR)
    checks = {
        "database": "ok",
        "ml_server": "ok" if status == 200 else "error",
        "disk": f"ok: {disk.free / disk.total:.1%} free",
        "media_storage": "ok",
    }
    state = "healthy" if status == 200 else "unhealthy"
    answer = {"status": state, "service": "NeuroNova Django API", "version": "1.0.0", "checks": checks}
    return JsonResponse(answer, status=200 if state == "healthy" else 503)


@require_POST
def predict(request):
    status, body = ask("/predict", request.body)
    return JsonResponse(body, status=status)


@require_POST
def upload(request):
    """Looks at an image, and keeps nothing of it."""
    return JsonResponse({"bytes": len(request.body), "sha256": hashlib.sha256(request.body).hexdigest()})


def ask(path, body=None):
    question = urllib.request.Request(settings.ML_SERVER + path, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(question, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError as error:
        return 503, {"ok": False, "error": str(error)}
