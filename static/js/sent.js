// The page after words were sent: this browser keeps them no longer, and the address says it no more.
import { forgetSent } from "./words.js";

const address = new URL(location);
forgetSent(address.searchParams.get("sent"));
address.searchParams.delete("sent");
history.replaceState(history.state, "", address);
