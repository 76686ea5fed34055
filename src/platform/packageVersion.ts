/**
 * The version of this package.
 *
 * A build writes it into the compiled module (.ci/bundle.mjs), because a bundle of an application has another package.json, or
 * none. Where the package runs from its sources, its package.json is read when this module loads. Boundary: text.
 */
import { readFileSync } from "node:fs"

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

export const packageVersion: string = manifest.version
