module.exports = class Deploy1700000000006 {
  name = "Deploy1700000000006";

  async up(queryRunner) {
    await queryRunner.query(`ALTER TABLE "typeorm_item" ALTER COLUMN "name" TYPE text`);
    await queryRunner.query(`ALTER TABLE "typeorm_line" DROP COLUMN "note"`);
  }

  async down() {}
};
