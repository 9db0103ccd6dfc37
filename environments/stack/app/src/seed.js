'use strict';

/** Fixed data of a demo rider, routes and weather, so that each endpoint has an answer. */

const DEMO = 'demo';
const CITIES = ['paris', 'lyon', 'marseille', 'toulouse', 'nantes', 'strasbourg'];
const ROUTES = [
  ['Tour du Bois de Vincennes', 'Paris', 17.4, 45],
  ['Quais de Saône', 'Lyon', 24.8, 80],
  ['Col de la Gineste', 'Marseille', 31.2, 340],
  ['Canal du Midi', 'Toulouse', 52.6, 60],
  ['Boucle de l’Erdre', 'Nantes', 38.9, 150],
  ['Piste des Forts', 'Strasbourg', 85.0, 210],
];

function track(index) {
  return Array.from({ length: 120 }, (_, step) => [
    Number((48.83 + index * 0.002 + 0.01 * Math.sin(step / 19)).toFixed(6)),
    Number((2.42 + index * 0.002 + 0.01 * Math.cos(step / 19)).toFixed(6)),
    Math.round(50 + 20 * Math.sin(step / 12)),
  ]);
}

const activity = (index) => ({
  _id: `demo-${String(index + 1).padStart(3, '0')}`,
  riderId: DEMO,
  name: `Sortie ${index + 1}`,
  startedAt: new Date(Date.UTC(2025, 0, 4 + index * 3, 8)),
  distanceKm: 20 + (index * 7) % 60,
  durationS: 3600 + (index * 613) % 7200,
  elevationM: 100 + (index * 97) % 900,
});

const COLLECTIONS = {
  activities: () => Array.from({ length: 24 }, (_, index) => activity(index)),
  tracks: () => Array.from({ length: 24 }, (_, index) => (
    { _id: activity(index)._id, riderId: DEMO, points: track(index) })),
  routes: () => ROUTES.map(([name, city, distanceKm, elevationM], index) => (
    { _id: `route-${index + 1}`, name, city, distanceKm, elevationM, points: track(index) })),
  weather: () => CITIES.map((city, index) => (
    { _id: city, temperatureC: 9 + index * 2, windKmh: 8 + index * 3, rainMm: index % 3 })),
};

/** Fill each collection that is empty. A document that another worker made first is kept. */
async function seed(db) {
  await Promise.all(Object.entries(COLLECTIONS).map(async ([name, documents]) => {
    const collection = db.collection(name);
    if (await collection.findOne({}, { projection: { _id: 1 } })) return;
    try {
      await collection.insertMany(documents(), { ordered: false });
    } catch (error) {
      if (error.code !== 11000) throw error; // duplicate key: another worker was first
    }
  }));
}

module.exports = { DEMO, seed };
