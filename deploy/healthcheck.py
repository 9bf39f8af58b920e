"""For HEALTHCHECK: ends with 0 when the function in this container says that it lives. The images have no curl."""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=3)
connection.request("GET", "/healthz")
sys.exit(connection.getresponse().status != http.client.OK)
