import { render } from "solid-js/web";
import type { Shell } from "../base/shell";

const shell: Shell | undefined = window.matineeShell;
const root = document.getElementById("matinee");
if (root) render(() => <p>Matinee {shell?.version}</p>, root);
