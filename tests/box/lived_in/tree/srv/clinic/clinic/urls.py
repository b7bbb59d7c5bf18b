from django.urls import path

from clinic import views

urlpatterns = [
    path("", views.home),
    path("api/v1/health/", views.health),
    path("api/v1/predict/", views.predict),
    path("api/v1/upload/", views.upload),
]
