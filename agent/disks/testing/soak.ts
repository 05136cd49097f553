/** How many times more samples than usual the random tests take: HYPERFERRY_SOAK=20 looks longer. */
export const soak = Math.max(1, Number(process.env['HYPERFERRY_SOAK'] ?? 1));
