/**
 * A quick start for threads that this package owns: the workers of a pool, and the process of the command line.
 *
 * Most of a start is spent on finding and compiling the 140 files of effect/Schema. Node's cache of compiled code makes
 * compiling cheap: it is in NODE_COMPILE_CACHE or the temporary folder, unless NODE_DISABLE_COMPILE_CACHE is set, and a cache
 * that cannot be written is no error. To find a file, Node's resolver asks the file system about every import of every file;
 * within effect's own files the address is known without asking.
 *
 * Boundary: it changes the speed of loading, and never the modules. The library's root does not use it, because it must not
 * change an embedder's process.
 */
import { enableCompileCache, registerHooks } from "node:module"

const effectFiles = "/node_modules/effect/dist/"

/** Must be called before large modules are imported, since modules are linked before they run. */
export const quickStart = (): void => {
  enableCompileCache()
  registerHooks({
    resolve: (specifier, context, next) => {
      const { parentURL } = context
      return specifier.startsWith(".") && specifier.endsWith(".js") && parentURL?.includes(effectFiles) === true
        ? { url: new URL(specifier, parentURL).href, format: "module", shortCircuit: true }
        : next(specifier, context)
    }
  })
}
