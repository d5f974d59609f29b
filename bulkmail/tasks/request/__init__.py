"""Any call of Graph as a task, without code."""

from bulkmail.tasks.request.send import request

TASKS = (request,)
