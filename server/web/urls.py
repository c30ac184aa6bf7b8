"""The front page, logging in and out, one's own account."""

from django.urls import path

from server.web import home, language, theme
from server.web.sign_in import invitation, log_in, own_account, provider_pages, two_factor

app_name = "web"
urlpatterns = [
    path("", home.home, name="home"),
    path("log-in/", log_in.log_in, name="log_in"),
    path("log-in/code/", two_factor.give, name="code"),
    path("log-in/code/set-up/", two_factor.set_up, name="set_up_code"),
    path("log-in/code/set-up/picture.svg", two_factor.picture, name="code_picture"),
    path("log-in/provider/", provider_pages.go, name="provider"),
    path("log-in/provider/back/", provider_pages.back, name="provider_back"),
    path("welcome/<str:secret>/", invitation.welcome, name="welcome"),
    path("log-out/", log_in.log_out, name="log_out"),
    path("theme/", theme.choose, name="theme"),
    path("language/", language.choose, name="language"),
    path("account/", own_account.own, name="account"),
    path("account/password/", own_account.password, name="password"),
    path("account/confirm/", own_account.confirm, name="confirm"),
    path("account/sessions/end/", own_account.end_own_sessions, name="end_own_sessions"),
    path("log-in/provider/ended/", provider_pages.ended_there, name="provider_ended"),
    path("account/spare-codes/", own_account.spare_codes, name="spare_codes"),
]
