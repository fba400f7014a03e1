export const words = "report";

export function mount() {}
