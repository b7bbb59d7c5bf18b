"""Which address is answered by what."""

from clinic import views
from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html", next_page="/api/health/")),
    path("api/health/", views.health),
    path("api/predict/", views.predict),
    path("api/system/stats/", views.system_stats),
]
