/**
 * The entry of a worker thread: a quick start for modules, then everything else.
 *
 * Modules are linked before they run, so the quick start comes before the first large import. Boundary: nothing but that.
 */
import { quickStart } from "../platform/quickStart.ts"

quickStart()

void import("./runner.ts")
