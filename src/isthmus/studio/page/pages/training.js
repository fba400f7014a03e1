export const words = "training";

export function mount() {}
