// Asking for pictures; see routes/designing.py.

export const words = "Design";

export function mount() {}
