// One base for every failure that a screen may have to explain. The code is of a closed vocabulary and chooses the words;
// the message is for the log and is never shown.

export class MatineeError extends Error {
  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}
