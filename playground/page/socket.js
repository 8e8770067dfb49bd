// The live connection to the stand-in: one websocket that reconnects, and requests with their answers.
// Passes on every pushed object unread.

const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 5000;

export class Live {
  #socket = null;
  #waiting = new Map();
  #next = 1;
  #failures = 0;
  #timer = null;

  /** `onPush` gets every pushed object; `onStatus` gets true or false when the connection opens or closes. */
  constructor(address, onPush, onStatus) {
    this.address = address;
    this.onPush = onPush;
    this.onStatus = onStatus;
  }

  start() {
    addEventListener("online", () => this.#retryNow());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
    this.#open();
  }

  /** Send the server a request. Rejects with a sentence if it is refused or the connection is down. */
  request(body) {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return Promise.reject(
        new Error("Not connected right now. The page reconnects by itself; try again in a moment."),
      );
    }
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, ...body }));
    });
  }

  #open() {
    const socket = new WebSocket(this.address);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.onStatus(true);
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = () => socket === this.#socket && this.#lost();
  }

  #receive(object) {
    if (object.type !== "done") return this.onPush(object);
    const waiting = this.#waiting.get(object.id);
    this.#waiting.delete(object.id);
    if (object.ok) waiting?.resolve(object);
    else waiting?.reject(new Error(object.error ?? "The server refused without a reason."));
  }

  #lost() {
    for (const { reject } of this.#waiting.values())
      reject(new Error("The connection broke before an answer came."));
    this.#waiting.clear();
    this.onStatus(false);
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#open(), delay * (0.75 + Math.random() / 2));
  }

  #retryNow() {
    if (this.#socket?.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#open();
  }
}
