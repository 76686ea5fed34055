/**
 * What a worker thread starts with: the compile cache, then everything else.
 *
 * Modules are linked before they run, so the cache has to be on before the first import of weight; it halves the start of
 * a worker. Boundary: nothing but that.
 */
import { enableCompileCache } from "node:module"

enableCompileCache()

void import("./runner.ts")
