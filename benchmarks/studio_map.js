// What benchmarks/studio.py measures of the map, in the page: an object of lists of numbers, by name.
async ({ points, pictures, seconds }) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const found = {};

  // The work of the map itself in each frame.
  let works = [];
  const draw = map.stage.draw;
  map.stage.draw = (now, dirt) => {
    const began = performance.now();
    draw(now, dirt);
    works.push(performance.now() - began);
  };

  /** Frames a second while something moves, and the work and the gaps of those frames. */
  const moved = async (name, move) => {
    for (let k = 0; k < 10; k++) {
      move(k);
      await frame();
    }
    works = [];
    const gaps = [];
    const began = await frame();
    let last = began;
    for (let k = 0; last - began < 1000 * seconds; k++) {
      move(k);
      const now = await frame();
      gaps.push(now - last);
      last = now;
    }
    found[`${name}, frames a second`] = [(1000 * gaps.length) / (last - began)];
    found[`${name}, work a frame`] = works.slice();
    return gaps;
  };
  const pan = (k) => map.panBy(k % 80 < 40 ? 6 : -6, k % 40 < 20 ? 3 : -3);
  const zoom = (k) => map.zoomAt(640, 400, k % 60 < 30 ? 1.02 : 1 / 1.02);

  const { places, codes } = clusters(points);
  const began = performance.now();
  map.setPoints(places);
  map.setColours({ kind: "classes", codes, names: [] });
  await frame();
  await frame();
  found["ready"] = [performance.now() - began];

  for (const mode of ["points", "density"]) {
    map.setMode(mode);
    map.fit();
    await moved(`${mode}, panning`, pan);
    await moved(`${mode}, zooming`, zoom);
  }
  map.setMode("points");
  map.setView({ ...map.getView(), zoom: 12 });
  await moved("points near, panning", pan);

  map.fit();
  found["picking"] = [];
  for (const z of [1, 4, 40]) {
    map.setView({ ...map.getView(), zoom: z });
    for (let k = 0; k < 350; k++) {
      const start = performance.now();
      for (let j = 0; j < 4; j++) map.pick((k * 7919 + j * 331) % 1280, (k * 104729 + j * 173) % 800);
      found["picking"].push((performance.now() - start) / 4);
    }
  }
  map.fit();
  const loop = [];
  for (let k = 0; k < 200; k++) {
    const r = (k % 2 ? 1.2 : 2.4) / map.camera.scale * 100;
    loop.push(map.camera.cx + r * Math.cos(k / 31.8), map.camera.cy + r * Math.sin(k / 31.8));
  }
  await map.sketch.lasso.rows(places, [0, 0, 1, 0, 0, 1]); // the places are sent once
  const asked = performance.now();
  await map.sketch.lasso.rows(places, loop);
  found["lasso of 200 corners"] = [performance.now() - asked];

  // Pictures of 64 x 64 in colour stream in while one pans and zooms about a map of fewer points.
  const few = clusters(pictures, 2);
  map.setPoints(few.places);
  map.setColours({ kind: "classes", codes: few.codes, names: [] });
  let sent = 0;
  map.setThumbs(async (rows) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    sent += rows.length;
    const pixels = new Uint8Array(rows.length * 64 * 64 * 3);
    for (let k = 0; k < pixels.length; k += 97) pixels[k] = k;
    return { width: 64, height: 64, channels: 3, pixels };
  });
  map.setMode("auto");
  map.setView({ cx: few.places[0], cy: few.places[1], zoom: 30 });
  const gaps = await moved("pictures stream in", (k) => {
    map.panBy(k % 200 < 100 ? 9 : -9, 4);
    if (k % 50 === 49) map.zoomAt(640, 400, k % 100 === 99 ? 1 / 1.8 : 1.8, 140);
  });
  found["pictures stream in, gaps"] = gaps;
  found["pictures stream in, pictures"] = [sent];
  return found;
}
