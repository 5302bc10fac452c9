"""What `mutation_check` breaks, by room."""

from mutations.admission import MUTATIONS as ADMISSION
from mutations.caches import MUTATIONS as CACHES
from mutations.flow import MUTATIONS as FLOW
from mutations.mutation import Mutation
from mutations.rest import MUTATIONS as REST

__all__ = ["MUTATIONS", "Mutation"]

MUTATIONS = (*FLOW, *ADMISSION, *CACHES, *REST)
