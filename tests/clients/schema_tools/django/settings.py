"""A service's settings as far as `migrate` asks for them."""

import os
from urllib.parse import unquote, urlsplit

_url = urlsplit(os.environ["SCHEMA_URL"])
SECRET_KEY = "of nothing"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _url.hostname,
        "PORT": _url.port,
        "NAME": _url.path[1:],
        "USER": _url.username,
        "PASSWORD": unquote(_url.password or ""),
    }
}
