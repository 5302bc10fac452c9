"""Settings of the guards: what is judged, what follows, and what happens where a guard cannot run."""

from penstock.config.guards.answers import (
    DisclaimerSettings,
    JudgeSettings,
    PolicySettings,
    RepetitionSettings,
    ScopeSettings,
    ScoredSettings,
)
from penstock.config.guards.guarding import Direction, Fail, GuardAction, Guarding, Mode, OnStream
from penstock.config.guards.personal import (
    ListSettings,
    PersonalDataSettings,
    RestoreSettings,
    VaultSettings,
    broken_lists,
    broken_vault,
)
from penstock.config.guards.settings import (
    GuardSettings,
    InjectionSettings,
    ModelGuards,
    OwnGuardSettings,
    SchemaSettings,
    broken_guards,
    may_hold,
    topics_of,
)

__all__ = [
    "Direction",
    "DisclaimerSettings",
    "Fail",
    "GuardAction",
    "GuardSettings",
    "Guarding",
    "InjectionSettings",
    "JudgeSettings",
    "ListSettings",
    "Mode",
    "ModelGuards",
    "OnStream",
    "OwnGuardSettings",
    "PersonalDataSettings",
    "PolicySettings",
    "RepetitionSettings",
    "RestoreSettings",
    "SchemaSettings",
    "ScopeSettings",
    "ScoredSettings",
    "VaultSettings",
    "broken_guards",
    "broken_lists",
    "broken_vault",
    "may_hold",
    "topics_of",
]
