module.exports = class Deploy1700000000001 {
  name = "Deploy1700000000001";

  async up(queryRunner) {
    await queryRunner.query(`CREATE TABLE "typeorm_item" ("id" SERIAL NOT NULL, "name" character varying NOT NULL, "made" TIMESTAMP NOT NULL DEFAULT now(), CONSTRAINT "UQ_1" UNIQUE ("name"), CONSTRAINT "PK_1" PRIMARY KEY ("id"))`);
    await queryRunner.query(`INSERT INTO "typeorm_item" ("name") SELECT 'item ' || i FROM generate_series(1, 20) i`);
  }

  async down() {}
};
