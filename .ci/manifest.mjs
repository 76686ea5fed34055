// Around `npm pack` and `npm publish`: the published package.json has none of what works in a checkout alone, such as the
// script `prepare`, which some installers run and whose files are not in the package.
//
// `strip`: keeps package.json beside itself and writes the published one. `restore`: puts it back.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs"

const [file, kept] = ["package.json", "package.json.kept"]

if (process.argv[2] === "strip") {
  if (!existsSync(kept)) copyFileSync(file, kept)
  const {
    allowScripts: _,
    devDependencies: __,
    overrides: ____,
    scripts: ___,
    ...published
  } = JSON.parse(readFileSync(kept, "utf8"))
  writeFileSync(file, `${JSON.stringify(published, null, 2)}\n`)
} else if (existsSync(kept)) {
  renameSync(kept, file)
}
