/* losses.h: every kernel once, by family. The build takes its lists of families and sources
   from here, the C side its enumeration and tables, and Python its REGISTRY, from which
   tests, benchmarks and the README's table follow. A row of losses/<family>/rows.h is

     FL_LOSS(name, family, kind, labels, predictions, parameters)

   name         the kernel, its file losses/<family>/<name>.c and its symbols
   family       the folder, whose files are compiled as one unit, which sees these rows
                alone
   kind         the driver that runs it (kinds.h)
   labels       what each of the labels may hold (domains.h)
   predictions  what each of the predictions may hold; derivatives are with respect to them
   parameters   the names of the numbers the formula takes, in their order */
#include "losses/regression/rows.h"
#include "losses/robust/rows.h"
#include "losses/margin/rows.h"
#include "losses/binary/rows.h"
#include "losses/count/rows.h"
#include "losses/multiclass/rows.h"
#include "losses/distribution/rows.h"
#include "losses/embedding/rows.h"
#include "losses/ranking/rows.h"
#include "losses/survival/rows.h"
#include "losses/segmentation/rows.h"
#include "losses/boxes/rows.h"
#undef FL_LOSS
