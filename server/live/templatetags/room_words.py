"""The room's words for templates."""

from django import template

from server.live import words

register = template.Library()
register.filter("called", words.called)
