"""A clinic's accounts and machines, below `/c/<clinic>/manage/`."""

from django.urls import path

from server.accounts import account_pages, machine_pages

app_name = "clinics"
urlpatterns = [
    path("accounts/", account_pages.accounts, name="accounts"),
    path("accounts/new/", account_pages.new, name="new_account"),
    path("accounts/<int:number>/", account_pages.one, name="account"),
    path("accounts/<int:number>/reset/", account_pages.reset, name="reset_account"),
    path("accounts/<int:number>/close/", account_pages.close, name="close_account"),
    path("accounts/<int:number>/open/", account_pages.open_again, name="open_account"),
    path("roles/", account_pages.waiting_roles, name="waiting_roles"),
    path("roles/<int:number>/", account_pages.decide_roles, name="decide_roles"),
    path("machines/", machine_pages.machines, name="machines"),
    path("machines/<str:machine>/", machine_pages.one, name="machine"),
]
