// Runs after `npm install` in a checkout and before the package is packed: patches the compiler so that it reports
// floating Effects, and builds dist, from which docs/examples import. Without the development dependencies
// (`npm install --omit=dev`) there is no compiler, and nothing to do.
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"

const omitsDevelopment =
  (process.env.npm_config_omit ?? "").split(/\s+/).includes("dev") || process.env.NODE_ENV === "production"

if (omitsDevelopment && !existsSync(new URL("../node_modules/@effect/tsgo", import.meta.url))) {
  console.log("prepare: skipped, development dependencies are omitted")
} else {
  for (const command of ["effect-tsgo patch --typescript", "npm run build"]) {
    const { status } = spawnSync(command, { shell: true, stdio: "inherit" })
    if (status !== 0) process.exit(status ?? 1)
  }
}
