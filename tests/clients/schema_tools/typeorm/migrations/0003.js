module.exports = class Deploy1700000000003 {
  name = "Deploy1700000000003";

  async up(queryRunner) {
    await queryRunner.query(`INSERT INTO "typeorm_line" ("itemId") SELECT "id" FROM "typeorm_item" WHERE "id" <= 5`);
    await queryRunner.query(`ALTER TABLE "typeorm_line" ADD "note" character varying(100)`);
    await queryRunner.query(`CREATE INDEX "IDX_3" ON "typeorm_line" ("note") `);
  }

  async down() {}
};
