// What the application's interface says of itself.
#pragma once

const char *aclrtGetSocName(void);
