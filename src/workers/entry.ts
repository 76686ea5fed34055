/**
 * What a worker thread starts with: a quick start for modules, then everything else.
 *
 * Modules are linked before they run, so that comes before the first import of weight. Boundary: nothing but that.
 */
import { quickStart } from "../platform/quickStart.ts"

quickStart()

void import("./runner.ts")
