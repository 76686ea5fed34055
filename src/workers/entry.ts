/**
 * The entry of a worker thread. It sets up the quick start for modules, then imports the rest.
 *
 * Modules are linked before they run, so the quick start comes before the first large import. Boundary: only these two steps.
 */
import { quickStart } from "../platform/quickStart.ts"

quickStart()

void import("./runner.ts")
