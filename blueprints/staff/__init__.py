from flask import Blueprint
pages = Blueprint("staff", __name__, url_prefix="/staff")
