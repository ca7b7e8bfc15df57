// Has an entry, under another name than the scene asks for.
#include "orchestration_api.h"

extern "C" int another_name(OrchestrationRuntime *, const ChipStorageTaskArgs &) { return 0; }
