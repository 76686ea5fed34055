// Empties dist, so that a renamed source leaves nothing behind that could be packed.
import { rmSync } from "node:fs"

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true })
